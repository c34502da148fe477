// Copying text.

import { tell } from "./actions.js";

// copy puts text on the clipboard and says so; what names it ("curl command").
export async function copy(text, what) {
  tell(await copied(text) ? `Copied: ${what}.` : "The browser does not let this page use the clipboard.");
}

// copied is whether the text got there. A page that is not on this machine's own address
// has no navigator.clipboard; there the old command is tried.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { /* not allowed, or not there */ }
  const box = document.createElement("textarea");
  const before = document.activeElement;
  box.value = text;
  box.readOnly = true;
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  before?.focus();
  return done;
}
