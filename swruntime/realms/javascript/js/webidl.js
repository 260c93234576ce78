/** Web IDL: https://webidl.spec.whatwg.org/ */

export * from "./converters.js";
export * from "./interfaces.js";
