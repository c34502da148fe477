// Making elements. Children are text or nodes, never markup: everything that is shown
// was recorded from somewhere that modtap does not trust.

// h makes an element: h("p", {class: "x", onclick: f}, "text", child, null).
export function h(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

// put sets an element's text if it is another one.
export function put(e, text) {
  if (e.firstChild?.nodeType === Node.TEXT_NODE && e.childNodes.length === 1) {
    if (e.firstChild.data !== text) e.firstChild.data = text;
  } else {
    e.textContent = text;
  }
}

// mark sets a class attribute if it is another one.
export function mark(e, names) {
  if (e.className !== names) e.className = names;
}

// span places an element horizontally, in parts of its parent. The properties of
// style may be set under our Content-Security-Policy; style attributes may not.
export function span(e, left, width) {
  e.style.left = `${(left * 100).toFixed(4)}%`;
  e.style.width = `${(width * 100).toFixed(4)}%`;
}

export const $ = (id) => document.getElementById(id);
