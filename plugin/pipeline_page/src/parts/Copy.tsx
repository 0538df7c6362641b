import { useState } from "react";

export function Copy({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  if (!navigator.clipboard) return null; // pages without TLS have none
  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  }
  return (
    <button type="button" className="glp-copy" onClick={() => void copy()} aria-label={copied ? "Copied" : label} title={label}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {copied ? (
          <path d="m3.500 8.500 3 3 6-7" />
        ) : (
          <path d="M5.500 5.500h7v8h-7zM3.500 10.500v-8h7" />
        )}
      </svg>
    </button>
  );
}
