-- Sends the writes listed in a file, one "target<TAB>authorization<TAB>author<TAB>body" a line, round and round, and
-- prints what wrk.lua prints. The mark in each body is replaced by a text of its length that no other request has:
-- what tells this run from others, then a number.

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

function done(summary, latency)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("measured %d %f %d %f\n",
    summary.requests, summary.duration / 1e6, failures, latency:percentile(50) / 1e6))
end
