// What the peers' scripts share.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";

export const ORIGIN = process.env.PEERS_ORIGIN;
export const SITE = path.join(import.meta.dirname, "site");
export const FOLDER = process.env.PEERS_FOLDER; // an empty folder, this cell's own

export const yes = (seen) => ({ answer: "yes", seen });
export const no = (seen) => ({ answer: "no", seen });
export const partly = (seen) => ({ answer: "partly", seen });

// Packages are installed outside of this folder.
const require = createRequire(path.join(process.env.PEERS_PACKAGES, "package.json"));
export { require };
export const load = (name) => import(pathToFileURL(require.resolve(name)));

const { setTimeout } = globalThis; // a cell may put others in its place
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Waits until `look` answers with something true; null where that takes longer than `milliseconds`.
export async function until(look, milliseconds = 15_000) {
    const end = performance.now() + milliseconds;
    for (;;) {
        const found = await look();
        if (found) return found;
        if (performance.now() > end) return null;
        await sleep(50);
    }
}

// What the origin was asked for: the Range of each request for `name`, null where it had none.
export async function rangesOf(name) {
    const log = await (await fetch(`${ORIGIN}/__log__`)).json();
    return log.filter((request) => request.path === `/file/${name}`).map((request) => request.range);
}

// One line of what an error says.
export const told = (error) => String(error?.message ?? error).split("\n")[0].slice(0, 160);
