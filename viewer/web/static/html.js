// Elements for components: html`<p class="x">${text}</p>`. Values become text nodes and
// properties, never markup: everything that is shown was recorded from somewhere that
// modtap does not trust. Style is an object; a style attribute is blocked by our policy.

import htm from "./vendor/htm.mjs";
import { Component, Fragment, createElement, render } from "./vendor/preact.mjs";
import "./vendor/signals.mjs"; // components that read a signal are drawn again when it changes

export const html = htm.bind(createElement);
export { Component, Fragment, render };
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact-hooks.mjs";
export { batch, computed, effect, signal, untracked } from "./vendor/signals-core.mjs";
export { useComputed, useSignal, useSignalEffect } from "./vendor/signals.mjs";
