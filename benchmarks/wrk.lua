-- Sends the requests of a file in a cycle, and prints one line with the count, the seconds and the failures, which
-- load.py reads. A line of the file is "target<TAB>authorization".

local requests = {}
local turn = 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local target, authorization = line:match("^(.-)\t(.*)$")
    local headers = {}
    if authorization ~= "" then headers["Authorization"] = authorization end
    requests[#requests + 1] = wrk.format("GET", target, headers)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("measured %d %f %d\n", summary.requests, summary.duration / 1e6, failures))
end
