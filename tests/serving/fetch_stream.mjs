// What Node's fetch makes of answers that end badly. Reads one job as JSON from standard input, prints JSON.
//
// A job: base_url, control, headers, times, and cases of ending (a name), fault, method, path, body, length (bytes that
// are to come) and open (whether the answer stalls after them). Printed: for each ending how often what was seen, as
// "LENGTH SHA256 WHAT". With late, one reader that does not keep up.

import { createHash } from "node:crypto";

const job = JSON.parse(await new Response(process.stdin).text());

async function control(method, path, body) {
  const sent = { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) };
  const answer = await fetch(job.control + path, sent);
  return answer.json();
}

async function until(happened) {
  while (!happened((await control("GET", "/requests")).requests)) continue;
}

function ask(one, signal) {
  const headers = { ...job.headers, "X-Mock-Fault": one.fault };
  return fetch(job.base_url + one.path, { method: one.method, headers, body: one.body && JSON.stringify(one.body), signal });
}

function told(error) {
  return error.cause ? `\`${error.name}: ${error.message}\` (\`${error.cause.code}\`)` : error.name;
}

async function read(one, state) {
  try {
    const answer = await ask(one, state.abort.signal);
    for await (const piece of answer.body) {
      state.pieces.push(piece);
      state.length += piece.length;
      state.came();
    }
    state.ending = "no error";
  } catch (error) {
    state.ending = told(error);
  }
  state.came();
}

function begin(one) {
  const state = { pieces: [], length: 0, ending: null, abort: new AbortController() };
  state.enough = new Promise((resolve) => {
    state.came = () => (state.length >= one.length && one.length > 0) || state.ending ? resolve() : undefined;
  });
  state.done = read(one, state);
  return state;
}

async function leave(one, states) {
  if (one.length > 0) await Promise.all(states.map((state) => state.enough));
  else await until((rows) => rows.filter((row) => row.method === one.method).length >= states.length);
  await control("GET", "/health"); // meanwhile more would have come
  for (const state of states) {
    const open = state.ending === null && state.length === one.length;
    state.abort.abort();
    await state.done;
    if (open && state.ending === "AbortError") state.ending = "silence";
  }
}

// A reader that has one piece, and asks for the next when its connection has ended.
async function late(one) {
  const state = { pieces: [], length: 0, ending: "no error" };
  const answer = await ask(one);
  const reader = answer.body.getReader();
  await control("POST", "/clock/advance", { seconds: 0.01 });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      state.pieces.push(next.value);
      state.length += next.value.length;
      await control("POST", "/clock/advance", { seconds: 1 });
      await reader.closed.catch(() => {}); // the error comes again with the next read
    }
  } catch (error) {
    state.ending = told(error);
  }
  return state;
}

async function count(one) {
  await control("DELETE", "/requests");
  const states = job.late ? [await late(one)] : Array.from({ length: job.times }, () => begin(one));
  if (one.open) await leave(one, states);
  await Promise.all(states.map((state) => state.done));
  const seen = {};
  for (const { pieces, length, ending } of states) {
    const hash = createHash("sha256").update(Buffer.concat(pieces)).digest("hex");
    const key = `${length} ${hash} ${ending}`;
    seen[key] = (seen[key] ?? 0) + 1;
  }
  return seen;
}

const seen = {};
for (const one of job.cases) seen[one.ending] = await count(one);
console.log(JSON.stringify(seen));
process.exit(0); // stalled connections would hold it
