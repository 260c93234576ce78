// Chromium, headless, driven over the DevTools protocol and nothing else.
import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { FOLDER, until } from "./shared.mjs";

export const FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];
export const CHROMIUM = process.env.PEERS_CHROMIUM ?? "chromium";

export class Chrome {
    // Starts the browser; `profile` is its folder, which is kept when the browser ends.
    static async start({ profile = path.join(FOLDER, "profile"), flags = [], program = CHROMIUM } = {}) {
        const chrome = new Chrome();
        chrome.profile = profile;
        await rm(path.join(profile, "DevToolsActivePort"), { force: true });
        chrome.process = spawn(
            program,
            [...FLAGS, ...flags, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
            { detached: true, stdio: "ignore" },
        );
        chrome.ended = new Promise((resolve, reject) => {
            chrome.process.on("exit", resolve);
            chrome.process.on("error", reject);
        });
        chrome.ended.catch(() => {});
        process.on("exit", () => chrome.kill());
        const port = await Promise.race([
            until(() => readFile(path.join(profile, "DevToolsActivePort"), "utf8").catch(() => null), 60_000),
            chrome.ended.then((status) => { throw new Error(`${program} ended with ${status}`); }),
        ]);
        const [number, address] = port.split("\n");
        chrome.port = number;
        chrome.socket = new WebSocket(`ws://127.0.0.1:${number}${address}`);
        await new Promise((resolve, reject) => {
            chrome.socket.onopen = resolve;
            chrome.socket.onerror = () => reject(new Error("no DevTools socket"));
        });
        chrome.socket.onmessage = (event) => chrome.#receive(JSON.parse(event.data));
        return chrome;
    }

    #number = 0;
    #waiting = new Map();
    events = []; // every event so far: { method, params, sessionId }

    #receive(message) {
        if (message.id === undefined) {
            this.events.push(message);
            return;
        }
        const { resolve, reject } = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        if (message.error) reject(new Error(message.error.message));
        else resolve(message.result);
    }

    send(method, params = {}, sessionId = undefined) {
        const id = ++this.#number;
        this.socket.send(JSON.stringify({ id, method, params, sessionId }));
        return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    }

    // The first event of a name, now or later, that `fits`.
    event(method, fits = () => true, milliseconds = 15_000) {
        return until(() => this.events.find((event) => event.method === method && fits(event)), milliseconds);
    }

    async targets(type) {
        const { targetInfos } = await this.send("Target.getTargets");
        return targetInfos.filter((target) => target.type === type);
    }

    async attach(targetId) {
        const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
        return sessionId;
    }

    async open(url) {
        const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
        const page = new Page(this, await this.attach(targetId));
        await page.send("Page.enable");
        await page.send("Runtime.enable");
        await page.send("Page.navigate", { url });
        await this.event("Page.loadEventFired", (event) => event.sessionId === page.session);
        return page;
    }

    // A session with the service worker that runs now; null where none runs.
    async worker() {
        const [target] = await this.targets("service_worker");
        return target ? new Page(this, await this.attach(target.targetId)) : null;
    }

    kill() {
        if (this.process.pid === undefined) return; // it never started
        try {
            process.kill(-this.process.pid, "SIGKILL");
        } catch (error) {
            if (error.code !== "ESRCH") throw error;
        }
    }
}

class Page {
    constructor(chrome, session) {
        this.chrome = chrome;
        this.session = session;
    }

    send(method, params) {
        return this.chrome.send(method, params, this.session);
    }

    // The value of an expression; a promise is awaited. Raises what the expression raises.
    async evaluate(expression) {
        const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
            expression,
            awaitPromise: true,
            returnByValue: true,
        });
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        return result.value;
    }
}
