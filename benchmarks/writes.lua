-- Sends the writes of a file in a cycle, and prints the same line as wrk.lua. A line of the file is
-- "target<TAB>authorization<TAB>author<TAB>body". The mark in each body is replaced by a unique text of the same
-- length: the id of this run, then a number.

local requests = {}
local turn = 0
local sent = 0
local run
local width

function init(arguments)
  local mark = arguments[2]
  run = arguments[3]
  width = "%0" .. (#mark - #run) .. "d"
  for line in io.lines(arguments[1]) do
    local target, authorization, author, body = line:match("^(.-)\t(.-)\t(.-)\t(.*)$")
    local headers = {
      ["Authorization"] = authorization, ["On-Behalf-Of"] = author, ["Content-Type"] = "application/json"
    }
    local message = wrk.format("POST", target, headers, body)
    local from, to = message:find(mark, 1, true)
    requests[#requests + 1] = { message:sub(1, from - 1), message:sub(to + 1) }
  end
end

function request()
  turn = turn % #requests + 1
  sent = sent + 1
  local parts = requests[turn]
  return parts[1] .. run .. string.format(width, sent) .. parts[2]
end

function done(summary)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("measured %d %f %d\n", summary.requests, summary.duration / 1e6, failures))
end
