// Of XMLHttpRequest: https://xhr.spec.whatwg.org/#interface-formdata

[Exposed=(Window,Worker)]
interface FormData {
    constructor(optional HTMLFormElement form, optional HTMLElement? submitter = null);
    undefined append(USVString name, (USVString or Blob) value, optional USVString filename);
    undefined delete(USVString name);
    FormDataEntryValue? get(USVString name);
    sequence<FormDataEntryValue> getAll(USVString name);
    boolean has(USVString name);
    undefined set(USVString name, (USVString or Blob) value, optional USVString filename);
    iterable<USVString, FormDataEntryValue>;
};
