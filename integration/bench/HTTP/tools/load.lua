-- wrk's script: wrk ... URL -- METHOD HOSTS PATHS BODY [HEADER]
-- METHOD      GET or POST
-- HOSTS       host-0.bench.example to host-(HOSTS - 1).bench.example, one of them at random for each request
-- PATHS       separated by commas, one of them at random for each request
-- BODY        bytes of each request's body
-- HEADER      "Name: value", added to each request
-- It prints one line of figures, for the program that started it.

local requests = {}

function init(args)
    local method, hosts, paths, body = args[1], tonumber(args[2]), args[3], tonumber(args[4])
    local headers = {}
    if args[5] then
        local name, value = args[5]:match("^([^:]+): (.*)$")
        headers[name] = value
    end
    local content = body > 0 and string.rep("x", body) or nil
    for host = 0, hosts - 1 do
        headers["Host"] = "host-" .. host .. ".bench.example"
        for path in paths:gmatch("[^,]+") do
            requests[#requests + 1] = wrk.format(method, path, headers, content)
        end
    end
end

function request()
    return requests[math.random(#requests)]
end

function done(summary, latency, _)
    local errors = summary.errors
    print(string.format(
        "figures requests=%d microseconds=%d bytes=%d p50=%.0f p99=%.0f p999=%.0f max=%.0f connect=%d read=%d write=%d status=%d timeout=%d",
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9), latency.max,
        errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
