// One tooltip for the whole page: five hundred would be slow. Text only, so nothing in it is run.

const ID = "glp-tip";
let owner: HTMLElement | undefined;

export function showTip(element: HTMLElement, lines: string[]): void {
  hideTip();
  const tip = document.createElement("div");
  tip.id = ID;
  tip.role = "tooltip";
  for (const line of lines) {
    const row = document.createElement("div");
    row.textContent = line;
    tip.append(row);
  }
  document.body.append(tip);
  const place = element.getBoundingClientRect();
  const below = place.bottom + tip.offsetHeight + 8 < window.innerHeight;
  const left = Math.min(place.left, window.innerWidth - tip.offsetWidth - 8);
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${below ? place.bottom + 4 : Math.max(8, place.top - tip.offsetHeight - 4)}px`;
  element.setAttribute("aria-describedby", ID);
  owner = element;
  document.addEventListener("keydown", onKey);
  document.addEventListener("scroll", hideTip, { capture: true, once: true });
}

export function hideTip(): void {
  document.getElementById(ID)?.remove();
  owner?.removeAttribute("aria-describedby");
  owner = undefined;
  document.removeEventListener("keydown", onKey);
}

function onKey(event: KeyboardEvent): void {
  if (event.key === "Escape") hideTip();
}
