// Placeholder until the clone module lands.
export function configure() {}
export function serialize(value) {
    const nodes = [];
    const v = (x) => {
        if (x === undefined) return { u: 1 };
        if (x === null || typeof x !== "object") return x;
        const i = nodes.push(null) - 1;
        nodes[i] = Array.isArray(x) ? { k: "Array", items: x.map(v) } : { k: "Object", entries: Object.entries(x).map(([k, e]) => [k, v(e)]) };
        return { r: i };
    };
    return { root: v(value), nodes };
}
export function deserialize(wire) {
    const v = (x) => {
        if (x === null || typeof x !== "object") return x;
        if ("u" in x) return undefined;
        const n = wire.nodes[x.r];
        return n.k === "Array" ? n.items.map(v) : Object.fromEntries(n.entries.map(([k, e]) => [k, v(e)]));
    };
    return v(wire.root);
}
