// SPDX-License-Identifier: MIT
//
// A strict collector: takes OTLP/HTTP JSON on /v1/traces and judges each request by the code
// that is generated from opentelemetry-proto (npm @opentelemetry/otlp-transformer), and by the
// rules of JSON Protobuf Encoding (opentelemetry.io/docs/specs/otlp/). A request that breaks
// one is answered 400 with the reason, which also goes to standard output.
//
//   otlp.mjs ROOT.js      prints "listening PORT"; on SIGTERM "spans N" and ends

import { createRequire } from 'node:module';
import http from 'node:http';

const root = createRequire(import.meta.url)(process.argv[2]);
const proto = root.opentelemetry.proto;
const Request = proto.collector.trace.v1.ExportTraceServiceRequest;

class Breach extends Error {}
function must(condition, what) {
    if (!condition) throw new Breach(what);
}

// Fields of a message, as the generated class knows them.
function fieldsOf(type) {
    return Object.getOwnPropertyNames(type.prototype).filter(
        (name) => name !== 'constructor' && typeof type.prototype[name] !== 'function');
}
function check(type, value, path) {
    must(value !== null && typeof value === 'object' && !Array.isArray(value), `${path} is no object`);
    const fields = fieldsOf(type);
    for (const key of Object.keys(value)) {
        must(fields.includes(key), `${path} has no field ${key}`);
    }
}
function list(value, path) {
    must(value === undefined || Array.isArray(value), `${path} is no list`);
    return value ?? [];
}
// 64 bits: decimal text. Enums and 32 bits: numbers.
function isInt64(text) {
    return typeof text === 'string' && /^-?\d{1,19}$/.test(text);
}
function bytesOf(text, length, path) {
    must(typeof text === 'string' && new RegExp(`^[0-9a-f]{${2 * length}}$`).test(text),
        `${path} is no hexadecimal id of ${length} bytes`);
    must(!/^0+$/.test(text), `${path} is zero`);
    return Buffer.from(text, 'hex');
}

function anyValue(value, path) {
    check(proto.common.v1.AnyValue, value, path);
    must(Object.keys(value).length === 1, `${path} is not one value`);
    must(value.intValue === undefined || isInt64(value.intValue), `${path}.intValue is no text`);
    must(value.doubleValue === undefined || typeof value.doubleValue === 'number', `${path}.doubleValue`);
    must(value.boolValue === undefined || typeof value.boolValue === 'boolean', `${path}.boolValue`);
    must(value.stringValue === undefined || typeof value.stringValue === 'string', `${path}.stringValue`);
}
function attributes(items, path) {
    const keys = new Set();
    for (const [i, item] of list(items, path).entries()) {
        check(proto.common.v1.KeyValue, item, `${path}[${i}]`);
        must(typeof item.key === 'string' && item.key !== '', `${path}[${i}].key`);
        must(!keys.has(item.key), `${path} has ${item.key} twice`);
        keys.add(item.key);
        anyValue(item.value, `${path}[${i}].value`);
    }
    return keys;
}

function span(value, path) {
    check(proto.trace.v1.Span, value, path);
    must(typeof value.name === 'string' && value.name !== '', `${path}.name`);
    must(Number.isInteger(value.kind) && value.kind >= 1 && value.kind <= 5, `${path}.kind`);
    must(Number.isInteger(value.flags ?? 0), `${path}.flags`);
    for (const key of ['startTimeUnixNano', 'endTimeUnixNano']) {
        must(isInt64(value[key]), `${path}.${key} is no text`);
    }
    must(BigInt(value.endTimeUnixNano) >= BigInt(value.startTimeUnixNano), `${path} ends before it begins`);
    attributes(value.attributes, `${path}.attributes`);
    check(proto.trace.v1.Status, value.status, `${path}.status`);
    must([undefined, 0, 1, 2].includes(value.status.code), `${path}.status.code`);
    return {
        ...value,
        traceId: bytesOf(value.traceId, 16, `${path}.traceId`),
        spanId: bytesOf(value.spanId, 8, `${path}.spanId`),
        ...(value.parentSpanId === undefined ? {}
            : { parentSpanId: bytesOf(value.parentSpanId, 8, `${path}.parentSpanId`) }),
    };
}

// To the binary form and back: what comes out must be what went in.
function roundTrip(message, spans) {
    const problem = Request.verify(message);
    must(problem === null, `verify: ${problem}`);
    const again = Request.decode(Request.encode(message).finish());
    const out = again.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans));
    must(out.length === spans.length, 'spans were lost in the binary form');
    for (const [i, one] of out.entries()) {
        must(Buffer.from(one.traceId).toString('hex') === spans[i].traceId &&
            Buffer.from(one.spanId).toString('hex') === spans[i].spanId &&
            one.name === spans[i].name && one.kind === spans[i].kind &&
            String(one.startTimeUnixNano) === spans[i].startTimeUnixNano &&
            String(one.endTimeUnixNano) === spans[i].endTimeUnixNano &&
            one.attributes.length === spans[i].attributes.length, `span ${i} changed in the binary form`);
        for (const [k, item] of one.attributes.entries()) {
            const sent = spans[i].attributes[k].value;
            const [kind] = Object.keys(sent);
            must(String(item.value[kind]) === String(sent[kind]), `${item.key} changed in the binary form`);
        }
    }
}

const ids = new Set();
let nSpans = 0;
function judge(body) {
    const request = JSON.parse(body);
    check(Request, request, 'request');
    const spans = [];
    const resourceSpans = list(request.resourceSpans, 'resourceSpans').map((r, i) => {
        check(proto.trace.v1.ResourceSpans, r, `resourceSpans[${i}]`);
        check(proto.resource.v1.Resource, r.resource, 'resource');
        must(attributes(r.resource.attributes, 'resource.attributes').has('service.name'), 'no service.name');
        return {
            ...r,
            scopeSpans: list(r.scopeSpans, 'scopeSpans').map((s) => {
                check(proto.trace.v1.ScopeSpans, s, 'scopeSpans');
                check(proto.common.v1.InstrumentationScope, s.scope, 'scope');
                spans.push(...s.spans);
                return { ...s, spans: s.spans.map((one, k) => span(one, `spans[${k}]`)) };
            }),
        };
    });
    must(spans.length > 0, 'no span in it');
    roundTrip(Request.fromObject({ resourceSpans }), spans);
    for (const one of spans) {
        must(!ids.has(one.traceId + one.spanId), `span ${one.spanId} came twice`);
        ids.add(one.traceId + one.spanId);
    }
    nSpans += spans.length;
}

const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
        let status = 200, answer = { partialSuccess: {} };
        try {
            must(request.method === 'POST' && request.url === '/v1/traces', `${request.method} ${request.url}`);
            must(request.headers['content-type'] === 'application/json', 'content-type');
            judge(Buffer.concat(chunks).toString('utf8'));
        } catch (breach) {
            status = 400;
            answer = { code: 3, message: breach.message };
            console.log(`breach ${breach.message}`);
        }
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(answer));
    });
});
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
process.on('SIGTERM', () => {
    console.log(`spans ${nSpans}`);
    process.exit(0);
});
