// Colours of a terminal, as far as logs use them (SGR). What a log says becomes text and class names, never HTML.

export interface Look {
  fg?: string;
  bg?: string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
}

export interface Piece {
  text: string;
  look: Look;
}

const PLAIN: Look = {};
// Every other sequence (cursor, title, link) is left out.
const SEQUENCE = /\u001b\[([0-9;]*)m|\u001b\[[0-9;?]*[A-Za-ln-z]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[@-Z\\^_]/g;

/** Shows what a terminal would: only the last of what was written over itself on one line. */
export function overwritten(line: string): string {
  const whole = line.endsWith("\r") ? line.slice(0, -1) : line;
  return whole.slice(whole.lastIndexOf("\r") + 1);
}

export function plain(line: string): string {
  return line.includes("\u001b") ? line.replace(SEQUENCE, "") : line;
}

/** Cuts a line into pieces of one look each; gives the look with which the next line begins. */
export function pieces(line: string, start: Look = PLAIN): { pieces: Piece[]; end: Look } {
  if (!line.includes("\u001b")) return { pieces: [{ text: line, look: start }], end: start };
  const found: Piece[] = [];
  let look = start;
  let at = 0;
  for (const match of line.matchAll(SEQUENCE)) {
    if (match.index > at) found.push({ text: line.slice(at, match.index), look });
    at = match.index + match[0].length;
    if (match[1] !== undefined) look = changed(look, match[1]);
  }
  if (at < line.length) found.push({ text: line.slice(at), look });
  return { pieces: found, end: look };
}

function changed(before: Look, codes: string): Look {
  let look = { ...before };
  const numbers = codes.split(";").map(Number);
  for (let index = 0; index < numbers.length; index += 1) {
    const code = numbers[index] ?? 0;
    if (code === 0) look = {};
    else if (code === 1) look.bold = true;
    else if (code === 2) look.dim = true;
    else if (code === 3) look.italic = true;
    else if (code === 4) look.underline = true;
    else if (code === 22) look = { ...look, bold: undefined, dim: undefined };
    else if (code === 23) look.italic = undefined;
    else if (code === 24) look.underline = undefined;
    else if (code === 39) look.fg = undefined;
    else if (code === 49) look.bg = undefined;
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(numbers.slice(index + 1));
      look[code === 38 ? "fg" : "bg"] = colour;
      index += used;
    } else if (code >= 30 && code <= 37) look.fg = named(code - 30);
    else if (code >= 90 && code <= 97) look.fg = named(code - 82);
    else if (code >= 40 && code <= 47) look.bg = named(code - 40);
    else if (code >= 100 && code <= 107) look.bg = named(code - 92);
  }
  return look;
}

function named(number: number): string {
  return `var(--glp-ansi-${number})`;
}

function extended([kind, ...rest]: number[]): [string | undefined, number] {
  const byte = (value = 0) => Math.max(0, Math.min(255, Math.trunc(value) || 0));
  if (kind === 2) return [`rgb(${byte(rest[0])} ${byte(rest[1])} ${byte(rest[2])})`, 4];
  if (kind !== 5) return [undefined, 1];
  const number = byte(rest[0]);
  if (number < 16) return [named(number), 2];
  if (number > 231) {
    const grey = (number - 232) * 10 + 8;
    return [`rgb(${grey} ${grey} ${grey})`, 2];
  }
  const step = (value: number) => (value ? value * 40 + 55 : 0);
  const cube = number - 16;
  return [`rgb(${step(Math.floor(cube / 36))} ${step(Math.floor(cube / 6) % 6)} ${step(cube % 6)})`, 2];
}
