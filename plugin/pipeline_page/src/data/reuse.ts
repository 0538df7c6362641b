/** Returns `next`, with every part that equals the same part of `before` replaced by it. */
export function reuse<Value>(before: unknown, next: Value): Value {
  if (Object.is(before, next)) return next;
  if (Array.isArray(before) && Array.isArray(next)) {
    const parts = next.map((part, index) => reuse(before[index], part));
    const same = parts.length === before.length && parts.every((part, index) => part === before[index]);
    return (same ? before : parts) as Value;
  }
  if (isObject(before) && isObject(next)) {
    const parts = Object.fromEntries(Object.entries(next).map(([key, part]) => [key, reuse(before[key], part)]));
    const keys = Object.keys(parts);
    const same = keys.length === Object.keys(before).length && keys.every((key) => parts[key] === before[key]);
    return (same ? before : parts) as Value;
  }
  return next;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
