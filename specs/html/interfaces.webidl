// Of HTML: messages: https://html.spec.whatwg.org/multipage/web-messaging.html, and
// https://html.spec.whatwg.org/multipage/comms.html#the-messageevent-interface

[Exposed=(Window,Worker)]
interface MessageEvent : Event {
    constructor(DOMString type, optional MessageEventInit eventInitDict = {});
    readonly attribute any data;
    readonly attribute USVString origin;
    readonly attribute DOMString lastEventId;
    readonly attribute MessageEventSource? source;
    readonly attribute FrozenArray<MessagePort> ports;
    [NotImplemented] undefined initMessageEvent(DOMString type, optional boolean bubbles = false, optional boolean cancelable = false, optional any data = null, optional USVString origin = "", optional DOMString lastEventId = "", optional MessageEventSource? source = null, optional sequence<MessagePort> ports = []);
};

dictionary MessageEventInit : EventInit {
    any data = null;
    USVString origin = "";
    DOMString lastEventId = "";
    MessageEventSource? source = null;
    sequence<MessagePort> ports = [];
};

[Exposed=(Window,Worker)]
interface MessageChannel {
    constructor();
    readonly attribute MessagePort port1;
    readonly attribute MessagePort port2;
};

[Exposed=(Window,Worker)]
interface MessagePort : EventTarget {
    undefined postMessage(any message, optional sequence<object> transfer);
    undefined start();
    undefined close();
    attribute EventHandler onmessage;
    attribute EventHandler onmessageerror;
    [NotImplemented] attribute EventHandler onclose;
};

[Exposed=(Window,Worker)]
interface BroadcastChannel : EventTarget {
    constructor(DOMString name);
    readonly attribute DOMString name;
    undefined postMessage(any message);
    undefined close();
    attribute EventHandler onmessage;
    attribute EventHandler onmessageerror;
};
