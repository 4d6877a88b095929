// mock_heidi in tests: one server, and a fresh namespace for each test. Copy this file; it has no dependencies.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const BASE_PATH = "/api/v2/ml-scribe/open-api";

/**
 * A running server. If MOCK_HEIDI_URL names one, as under `mock-heidi exec`, it is used; otherwise one is started.
 * `options` are flags of `mock-heidi serve`, such as ["--fixtures", "clinic"].
 */
export async function start(options = [], command = "mock-heidi") {
  const { MOCK_HEIDI_URL: url, HEIDI_BASE_URL: baseUrl } = process.env;
  if (url) return new Server(url, baseUrl ?? url + BASE_PATH);

  const folder = await mkdtemp(join(tmpdir(), "mock-heidi-"));
  const urlFile = join(folder, "url");
  const child = spawn(command, ["serve", "--port", "0", "--url-file", urlFile, "--quiet", ...options], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = new Promise((resolve) => {
    child.once("error", resolve);
    child.once("exit", (status) => resolve(new Error(`${command} ended with status ${status}`)));
  });
  const kill = () => child.kill();
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };

  for (;;) {
    const written = await readFile(urlFile, "utf8").catch(() => "");
    if (written) return new Server(written.trim().slice(0, -BASE_PATH.length), written.trim(), stop);
    const error = await Promise.race([ended, pause(20)]);
    if (error) {
      await stop();
      throw error;
    }
  }
}

class Server {
  constructor(url, baseUrl, stop = async () => {}) {
    Object.assign(this, { url, baseUrl, stop });
  }

  /** A fresh Heidi. `settings` may hold fixtures, seed, clock, linked, faults, scenario. */
  async namespace(settings = {}) {
    const name = `node-${randomUUID()}`;
    await ask("POST", `${this.url}/_mock/namespaces/${name}`, settings);
    return new Heidi(this, name);
  }
}

class Heidi {
  constructor(server, name) {
    Object.assign(this, { server, name, baseUrl: server.baseUrl });
    this.apiKey = `${process.env.HEIDI_API_KEY ?? "mock-heidi-key"}.${name}`;
  }

  /** The answer of an endpoint of the control API, such as control("GET", "/findings"). */
  control(method, path, body) {
    return ask(method, `${this.server.url}/ns/${this.name}/_mock${path}`, body);
  }

  /** A session with the sources of its note. */
  session = (id) => this.control("GET", `/sessions/${id}`);

  /** The requests of the client. */
  requests = async () => (await this.control("GET", "/requests")).requests;

  /** The mistakes of the client. */
  findings = async () => (await this.control("GET", "/findings")).findings;

  /** Adds a fault, such as { operation: "ask_ai", status: 503, times: 1 }, and returns it with its id. */
  fault = (rule) => this.control("POST", "/faults", rule);

  /** Throws an error with the nearest requests, unless the expectation holds. */
  verify = (expectation) => this.control("POST", "/verify", expectation);

  remove = () => ask("DELETE", `${this.server.url}/_mock/namespaces/${this.name}`);
}

async function ask(method, url, body) {
  const headers = { "Content-Type": "application/json" };
  if (process.env.MOCK_HEIDI_ADMIN_TOKEN) headers["X-Mock-Admin-Token"] = process.env.MOCK_HEIDI_ADMIN_TOKEN;
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${text}`);
  return JSON.parse(text);
}
