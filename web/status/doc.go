// Package status is the HTTP status port: is the process alive, is it ready, what is it doing.
//
//	route         for                        answers
//	/healthz      service managers           200 while the process and its loops are alive, else 503
//	/readyz       load balancers, people     200 when the node can serve, else 503 and which part, why
//	/status       people, scripts            JSON: version, node, uptime, each part by its name
//	/metrics      Prometheus                 the registry's metrics (docs/metrics.md)
//
// All routes are GET or HEAD, change nothing and need no right: the port listens on the loopback
// interface unless it is set otherwise, and what it tells holds no secret. A page that a browser
// fetched elsewhere cannot read it either (guard.go).
//
// Parts report by registration ([Server.Register]); this package knows none of them. Those without
// which the node serves on ([Auxiliary]) are in /status alone. Each question is asked anew each time,
// since a node can lose its quorum between two requests, and has a bounded time, since a part that hangs
// is what an administrator wants to hear of.
//
// [Metrics] turns verdicts ([login.Event]) into metrics. Labels come from fixed or configured sets,
// never from what a person typed.
package status
