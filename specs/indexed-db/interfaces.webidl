// Of IndexedDB: https://w3c.github.io/IndexedDB/. [JavaScriptOnly]: no Python realm has it.

// The factory, and a worker's way to it. (Pages have it, too; no file here says what a Window has.)

partial interface ServiceWorkerGlobalScope {
    [JavaScriptOnly] readonly attribute IDBFactory indexedDB;
};

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBFactory {
    IDBOpenDBRequest open(DOMString name, optional unsigned long long version);
    IDBOpenDBRequest deleteDatabase(DOMString name);
    Promise<sequence<IDBDatabaseInfo>> databases();
    short cmp(any first, any second);
};

dictionary IDBDatabaseInfo {
    DOMString name;
    unsigned long long version;
};

// Requests, and their events.

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBRequest : EventTarget {
    readonly attribute any result;
    readonly attribute DOMException? error;
    readonly attribute any source;
    readonly attribute IDBTransaction? transaction;
    readonly attribute IDBRequestReadyState readyState;
    attribute EventHandler onsuccess;
    attribute EventHandler onerror;
};

[JavaScriptOnly]
enum IDBRequestReadyState { "pending", "done" };

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBOpenDBRequest : IDBRequest {
    attribute EventHandler onblocked;
    attribute EventHandler onupgradeneeded;
};

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBVersionChangeEvent : Event {
    constructor(DOMString type, optional IDBVersionChangeEventInit eventInitDict = {});
    readonly attribute unsigned long long oldVersion;
    readonly attribute unsigned long long? newVersion;
};

dictionary IDBVersionChangeEventInit {
    unsigned long long oldVersion;
    unsigned long long? newVersion;
};

// A connection, and its transactions.

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBDatabase : EventTarget {
    readonly attribute DOMString name;
    readonly attribute unsigned long long version;
    readonly attribute DOMStringList objectStoreNames;
    IDBTransaction transaction((DOMString or sequence<DOMString>) storeNames, optional IDBTransactionMode mode = "readonly", optional IDBTransactionOptions options = {});
    undefined close();
    IDBObjectStore createObjectStore(DOMString name, optional IDBObjectStoreParameters options = {});
    undefined deleteObjectStore(DOMString name);
    attribute EventHandler onabort;
    attribute EventHandler onclose;
    attribute EventHandler onerror;
    attribute EventHandler onversionchange;
};

[JavaScriptOnly]
enum IDBTransactionDurability { "default", "strict", "relaxed" };

dictionary IDBTransactionOptions {
    IDBTransactionDurability durability;
};

dictionary IDBObjectStoreParameters {
    (DOMString or sequence<DOMString>)? keyPath;
    boolean autoIncrement;
};

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBTransaction : EventTarget {
    readonly attribute DOMStringList objectStoreNames;
    readonly attribute IDBTransactionMode mode;
    readonly attribute IDBTransactionDurability durability;
    readonly attribute IDBDatabase db;
    readonly attribute DOMException? error;
    IDBObjectStore objectStore(DOMString name);
    undefined commit();
    undefined abort();
    attribute EventHandler onabort;
    attribute EventHandler oncomplete;
    attribute EventHandler onerror;
};

[JavaScriptOnly]
enum IDBTransactionMode { "readonly", "readwrite", "versionchange" };

// Where records are, and how they are found.

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBObjectStore {
    attribute DOMString name;
    readonly attribute any keyPath;
    readonly attribute DOMStringList indexNames;
    readonly attribute IDBTransaction transaction;
    readonly attribute boolean autoIncrement;
    IDBRequest put(any value, optional any key);
    IDBRequest add(any value, optional any key);
    IDBRequest delete(any query);
    IDBRequest clear();
    IDBRequest get(any query);
    IDBRequest getKey(any query);
    IDBRequest getAll(optional any queryOrOptions, optional unsigned long count);
    IDBRequest getAllKeys(optional any queryOrOptions, optional unsigned long count);
    IDBRequest getAllRecords(optional IDBGetAllOptions options = {});
    IDBRequest count(optional any query);
    IDBRequest openCursor(optional any query, optional IDBCursorDirection direction = "next");
    IDBRequest openKeyCursor(optional any query, optional IDBCursorDirection direction = "next");
    IDBIndex index(DOMString name);
    IDBIndex createIndex(DOMString name, (DOMString or sequence<DOMString>) keyPath, optional IDBIndexParameters options = {});
    undefined deleteIndex(DOMString name);
};

dictionary IDBGetAllOptions {
    any query;
    unsigned long count;
    IDBCursorDirection direction;
};

dictionary IDBIndexParameters {
    boolean unique;
    boolean multiEntry;
};

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBIndex {
    attribute DOMString name;
    readonly attribute IDBObjectStore objectStore;
    readonly attribute any keyPath;
    readonly attribute boolean multiEntry;
    readonly attribute boolean unique;
    IDBRequest get(any query);
    IDBRequest getKey(any query);
    IDBRequest getAll(optional any queryOrOptions, optional unsigned long count);
    IDBRequest getAllKeys(optional any queryOrOptions, optional unsigned long count);
    IDBRequest getAllRecords(optional IDBGetAllOptions options = {});
    IDBRequest count(optional any query);
    IDBRequest openCursor(optional any query, optional IDBCursorDirection direction = "next");
    IDBRequest openKeyCursor(optional any query, optional IDBCursorDirection direction = "next");
};

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBKeyRange {
    readonly attribute any lower;
    readonly attribute any upper;
    readonly attribute boolean lowerOpen;
    readonly attribute boolean upperOpen;
    static IDBKeyRange only(any value);
    static IDBKeyRange lowerBound(any lower, optional boolean open = false);
    static IDBKeyRange upperBound(any upper, optional boolean open = false);
    static IDBKeyRange bound(any lower, any upper, optional boolean lowerOpen = false, optional boolean upperOpen = false);
    boolean _includes(any key);
};

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBRecord {
    readonly attribute any key;
    readonly attribute any primaryKey;
    readonly attribute any value;
};

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBCursor {
    readonly attribute (IDBObjectStore or IDBIndex) source;
    readonly attribute IDBCursorDirection direction;
    readonly attribute any key;
    readonly attribute any primaryKey;
    readonly attribute IDBRequest request;
    undefined advance(unsigned long count);
    undefined continue(optional any key);
    undefined continuePrimaryKey(any key, any primaryKey);
    IDBRequest update(any value);
    IDBRequest delete();
};

[JavaScriptOnly]
enum IDBCursorDirection { "next", "nextunique", "prev", "prevunique" };

[Exposed=(Window,Worker), JavaScriptOnly]
interface IDBCursorWithValue : IDBCursor {
    readonly attribute any value;
};

// Of HTML: https://html.spec.whatwg.org/multipage/common-dom-interfaces.html#domstringlist
[Exposed=(Window,Worker), JavaScriptOnly]
interface DOMStringList {
    readonly attribute unsigned long length;
    DOMString? item(unsigned long index);
    boolean contains(DOMString string);
};
