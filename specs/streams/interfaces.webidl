// Of Streams: https://streams.spec.whatwg.org/#rs-class. In Python a stream is made from any async iterable.

[Exposed=*]
interface ReadableStream {
    [NotImplemented] constructor(optional object underlyingSource, optional QueuingStrategy strategy = {});
    readonly attribute boolean locked;
    Promise<undefined> cancel(optional any reason);
    [NotImplemented] ReadableStreamReader getReader(optional ReadableStreamGetReaderOptions options = {});
    [NotImplemented] ReadableStream pipeThrough(ReadableWritablePair transform, optional StreamPipeOptions options = {});
    [NotImplemented] Promise<undefined> pipeTo(WritableStream destination, optional StreamPipeOptions options = {});
    [NotImplemented] sequence<ReadableStream> tee();
};

[Exposed=*, NotImplemented]
interface WritableStream {
};

[Exposed=*, NotImplemented]
interface TransformStream {
};
