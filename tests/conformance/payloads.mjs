// SPDX-License-Identifier: MIT
//
// node payloads.mjs split INDEX FOLDER      each example payload of a webhook as a file EVENT.N.json
// node payloads.mjs post FOLDER URL SECRET  each file to a listener, signed: 2xx, twice
//
// TAP. The examples are those of npm @octokit/webhooks-examples.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

const [what, first, second, secret] = process.argv.slice(2);
const EXPECTED = 329;
let failed = 0;
const report = (fine, name) => {
    console.log(`${fine ? "ok" : "not ok"} - ${name}`);
    if (!fine) failed++;
};

if (what === "split") {
    fs.mkdirSync(second, { recursive: true });
    let n = 0;
    for (const event of JSON.parse(fs.readFileSync(first, "utf8")))
        event.examples.forEach((example, i) => {
            fs.writeFileSync(path.join(second, `${event.name}.${i}.json`), JSON.stringify(example));
            n++;
        });
    report(n === EXPECTED, `webhooks: ${n} example payloads`);
} else if (what === "post") {
    const send = async (file, guid) => {
        const body = fs.readFileSync(path.join(first, file));
        const signature = crypto.createHmac("sha256", secret).update(body).digest("hex");
        const response = await fetch(second, {
            method: "POST", body,
            headers: {
                "content-type": "application/json", "x-github-event": file.split(".")[0],
                "x-github-delivery": guid, "x-hub-signature-256": `sha256=${signature}`,
            },
        });
        await response.arrayBuffer();
        return response.status;
    };
    let accepted = 0, repeated = 0;
    for (const file of fs.readdirSync(first)) {
        const guid = crypto.randomUUID();
        const status = await send(file, guid);
        if (status === 200 || status === 202) accepted++;
        else console.log(`# ${file}: ${status}`);
        if (await send(file, guid) === 200) repeated++;
    }
    report(accepted === EXPECTED, `listener: ${accepted} of ${EXPECTED} payloads accepted`);
    report(repeated === EXPECTED, `listener: ${repeated} of ${EXPECTED} repeated ones answered 200`);
}
process.exit(failed > 0 ? 1 : 0);
