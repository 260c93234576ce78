// Objects of the runtime's that the script has let go of, and the engine has not noticed: it looks when its own heap has
// grown, and each of ours is small there and large in the runtime.

import { collectGarbage } from "./engine.js";

/** So many are let be. */
const FEW = 500;

let known = 0;
let made = 0;

/** One more is known to the script. */
export function madeOne() {
    known++;
    made++;
}

/** The engine has noticed that one is gone. */
export function wentOne() {
    known--;
}

/** Where many were made since the last time, have the engine look which are gone; answers whether it did. */
export function collectIfMany() {
    // It costs what the heap is large: so not before there are as many again as there were.
    if (made < FEW || made * 2 < known) return false;
    made = 0;
    collectGarbage();
    return true;
}
