-- Sends the requests listed in a file, one "target<TAB>authorization" a line, round and round, and prints the
-- count, the seconds and the failures as one line for load.py to read.

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

function done(summary, latency)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("measured %d %f %d %f\n",
    summary.requests, summary.duration / 1e6, failures, latency:percentile(50) / 1e6))
end
