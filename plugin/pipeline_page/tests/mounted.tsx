import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { MemoryRouter } from "react-router-dom";
import { afterEach, beforeEach, vi } from "vitest";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** A page for each test of a file, with a clock that only the test moves. */
export const page = { place: document.body };
let root: Root;

export function mountEach(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    page.place = document.body.appendChild(document.createElement("div"));
    root = createRoot(page.place);
  });
  afterEach(() => {
    act(() => root.unmount());
    page.place.remove();
    vi.useRealTimers();
  });
}

/** Shows something at an address of the page, and lets what it asks for arrive. */
export async function show(node: ReactNode, address = "/"): Promise<void> {
  await act(async () => {
    root.render(
      <MemoryRouter key={address} initialEntries={[address]}>
        {node}
      </MemoryRouter>,
    );
    await vi.advanceTimersByTimeAsync(0);
  });
}

/** Answers requests by the ends of their paths: with JSON, or a text as it is. */
export function answering(answers: Record<string, unknown>) {
  const asked = vi.fn(async (url: string) => {
    const { pathname } = new URL(url);
    const found = Object.entries(answers).find(([end]) => pathname.endsWith(end));
    if (!found) return new Response(JSON.stringify({ detail: "There is no such thing." }), { status: 404 });
    const [, body] = found;
    return new Response(typeof body === "string" ? body : JSON.stringify(body));
  });
  vi.stubGlobal("fetch", asked);
  return asked;
}
