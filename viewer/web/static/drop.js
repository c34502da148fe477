// A HAR that is dropped on the page, or picked, is opened: it goes to modtap, which reads
// it and shows it to this page as another recording.

import { open, tell } from "./actions.js";
import { reason } from "./answers.js";
import { bytes } from "./format.js";
import { h } from "./dom.js";
import { html, signal } from "./html.js";

const over = signal(false); // something is being dragged over the page
const upload = signal(null); // {name, size, part} of what is on its way; part is 0 to 1
let request = null;
let depth = 0; // elements under the mouse that were entered and not left

// send gives a file to modtap and opens it.
function send(file) {
  request?.abort();
  const r = new XMLHttpRequest(); // fetch does not tell how far it is
  request = r;
  r.open("POST", "/api/recordings");
  r.setRequestHeader("Content-Type", "application/json"); // what a form of another page could not send
  r.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
  const progress = (part) => { upload.value = { name: file.name, size: file.size, part }; };
  const finish = (words) => {
    if (request !== r) return; // another took its place
    request = null;
    upload.value = null;
    if (words) tell(words);
  };
  r.upload.onprogress = (e) => { if (e.lengthComputable && request === r) progress(e.loaded / e.total); };
  r.onerror = () => finish(`${file.name} could not be opened: modtap does not answer.`);
  r.onabort = () => finish(`${file.name} was not opened.`);
  r.onload = () => {
    const { id, error } = answer(r);
    finish(error && `${file.name} could not be opened: ${error}`);
    if (id) {
      open(id);
      tell(`${file.name} is open.`);
    }
  };
  progress(0);
  r.send(file);
}

// answer reads what modtap said: {id} of the recording, or {error} in one line.
function answer(r) {
  if (r.status === 405 || r.status === 404) return { error: "this modtap takes no recordings from the page. In a terminal: modtap view FILE" };
  if (r.status < 200 || r.status > 299) return { error: reason(r.responseText) || `modtap answered ${r.status}` };
  try {
    const id = JSON.parse(r.responseText).recording;
    return id ? { id } : { error: "modtap gave it no name." };
  } catch {
    return { error: "modtap's answer makes no sense." };
  }
}

// take opens the one file among what was dropped.
function take(data) {
  const files = [...(data?.files ?? [])];
  if (files.length === 1) send(files[0]);
  else if (files.length > 1) tell("One recording at a time: drop a single HAR file.");
  else tell("Only files can be opened: drop a HAR file.");
}

let picker = null; // kept: a field that nothing holds could be collected before the choice

// pickFile lets one choose a file.
export function pickFile() {
  picker = h("input", { type: "file", accept: ".har,.json,application/json" });
  picker.addEventListener("change", ({ target }) => { if (target.files.length) send(target.files[0]); });
  picker.click();
}

// inField is whether something is dropped on a field for text, which is the field's.
const inField = (e) => !e.dataTransfer?.types.includes("Files") && e.target.closest?.("input, textarea");

export function listenToDrops() {
  // Before everything else that Esc would leave.
  addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || !request) return;
    e.preventDefault();
    e.stopPropagation();
    request.abort();
  }, true);
  addEventListener("dragenter", (e) => {
    depth++;
    if (e.dataTransfer?.types.includes("Files")) over.value = true;
  });
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (depth === 0) over.value = false;
  });
  addEventListener("dragover", (e) => {
    if (inField(e)) return;
    e.preventDefault(); // without it the browser would leave for the file
    e.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", (e) => {
    depth = 0;
    over.value = false;
    if (inField(e)) return;
    e.preventDefault();
    take(e.dataTransfer);
  });
}

// Drop lies over the page while a file is dragged over it or is on its way.
export function Drop() {
  const u = upload.value;
  if (u) {
    const part = `${Math.round(u.part * 100)} %`;
    return html`
      <div class="drop busy" role="status">
        <p>${u.part < 1 ? `Sending ${u.name} to modtap, ${part} of ${bytes(u.size)}` : `modtap is reading ${u.name}…`}</p>
        <progress max="1" value=${u.part} aria-label="Sent"></progress>
        <button type="button" class="chip" title="Cancel (Esc)" onclick=${() => request?.abort()}>Cancel</button>
      </div>`;
  }
  return over.value ? html`<div class="drop" aria-hidden="true"><p>Drop to open</p></div>` : null;
}
