// SPDX-License-Identifier: MIT
//
// node fixtures.mjs RECORDING
//
// Recorded traffic of GitHub (npm @octokit/fixtures, a normalized-fixture.json) on a loopback
// port, which is the first line of output. Calls are answered in the order in which they were
// recorded; one that was not is answered 599 and says what was expected. GET /_left says how
// many have not been made.
import fs from "node:fs";
import http from "node:http";

const calls = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const same = (theirs, ours) => Object.entries(theirs).every(([key, value]) =>
    JSON.stringify(ours[key]) === JSON.stringify(value));

const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", chunk => { body += chunk; });
    request.on("end", () => {
        if (request.url === "/_left") return response.end(String(calls.length));
        const call = calls[0];
        const problems = [];
        if (!call) problems.push("nothing more was recorded");
        else {
            if (call.method.toUpperCase() !== request.method) problems.push(`method ${call.method}`);
            if (decodeURIComponent(request.url) !== decodeURIComponent(call.path)) problems.push(`path ${call.path}`);
            if (call.body && !same(call.body, JSON.parse(body || "{}"))) problems.push(`body ${JSON.stringify(call.body)}`);
            if (!(request.headers.accept ?? "").startsWith("application/vnd.github")) problems.push("Accept");
            if (!request.headers["user-agent"]) problems.push("User-Agent");
        }
        if (problems.length > 0) {
            response.statusCode = 599;
            return response.end(`${request.method} ${request.url}: expected ${problems.join(", ")}`);
        }
        calls.shift();
        const here = `http://127.0.0.1:${server.address().port}`;
        const local = text => text.replaceAll("https://api.github.com", here);
        for (const [name, value] of Object.entries(call.headers ?? {}))
            if (!/^(content-length|content-encoding|transfer-encoding|connection)$/i.test(name))
                response.setHeader(name, Array.isArray(value) ? value.map(local) : local(String(value)));
        response.statusCode = call.status;
        response.end(call.response === "" ? "" : local(JSON.stringify(call.response)));
    });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
