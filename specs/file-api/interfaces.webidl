// The interfaces of the File API: https://w3c.github.io/FileAPI/#idl-index

[Exposed=(Window,Worker)]
interface Blob {
    constructor(optional sequence<BlobPart> blobParts, optional BlobPropertyBag options = {});
    readonly attribute unsigned long long size;
    readonly attribute DOMString type;
    Blob slice(optional long long start, optional long long end, optional DOMString contentType);
    ReadableStream stream();
    [NotImplemented] ReadableStream textStream();
    Promise<USVString> text();
    Promise<ArrayBuffer> arrayBuffer();
    Promise<Uint8Array> bytes();
};

dictionary BlobPropertyBag {
    DOMString type = "";
    EndingType endings = "transparent";
};

[Exposed=(Window,Worker)]
interface File : Blob {
    constructor(sequence<BlobPart> fileBits, USVString fileName, optional FilePropertyBag options = {});
    readonly attribute DOMString name;
    readonly attribute long long lastModified;
    readonly attribute USVString webkitRelativePath;
};

dictionary FilePropertyBag : BlobPropertyBag {
    long long lastModified;
};

[Exposed=(Window,Worker), NotImplemented]
interface FileReader : EventTarget {
};
