// Of DOM: events, and what aborts: https://dom.spec.whatwg.org/#idl-index

[Exposed=*]
interface AbortController {
    constructor();
    readonly attribute AbortSignal signal;
    undefined abort(optional any reason);
};

[Exposed=*]
interface AbortSignal : EventTarget {
    static AbortSignal abort(optional any reason);
    static AbortSignal timeout(unsigned long long milliseconds);
    static AbortSignal _any(sequence<AbortSignal> signals);
    readonly attribute boolean aborted;
    readonly attribute any reason;
    undefined throwIfAborted();
    attribute EventHandler onabort;
};
