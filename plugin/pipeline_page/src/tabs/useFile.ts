import { useEffect, useState } from "react";

import { RequestError, send } from "../data/requests";
import { imageType, textOf } from "./artifacts";

const MOST_TEXT = 1024 * 1024;
const MOST_IMAGE = 20 * 1024 * 1024;

export interface Shown {
  loading: boolean;
  problem: string;
  text?: string;
  /** Only the beginning was read. */
  cut: boolean;
  image: string;
}

const NOTHING: Shown = { loading: true, problem: "", cut: false, image: "" };

/** Reads as much of a file as can be looked at. */
export function useFile(path: string): Shown {
  const [shown, setShown] = useState<Shown>(NOTHING);

  useEffect(() => {
    const stopped = new AbortController();
    let image = "";
    setShown(NOTHING);

    async function read(): Promise<void> {
      const response = await send(path, { signal: stopped.signal });
      const { bytes, cut } = await beginning(response);
      const type = imageType(bytes);
      if (type && !cut) image = URL.createObjectURL(new Blob([bytes], { type }));
      setShown({ loading: false, problem: "", cut, image, text: type ? undefined : textOf(bytes) });
    }

    read().catch((error: unknown) => {
      if (stopped.signal.aborted) return;
      const problem = error instanceof RequestError ? error.message : "The file cannot be read: Airflow does not answer.";
      setShown({ ...NOTHING, loading: false, problem });
    });
    return () => {
      stopped.abort();
      if (image) URL.revokeObjectURL(image);
    };
  }, [path]);

  return shown;
}

async function beginning(response: Response): Promise<{ bytes: Uint8Array<ArrayBuffer>; cut: boolean }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const next = await reader?.read();
    if (!next || next.done) return { bytes: joined(parts, size), cut: false };
    parts.push(next.value);
    size += next.value.length;
    const most = imageType(parts[0] ?? new Uint8Array()) ? MOST_IMAGE : MOST_TEXT;
    if (size <= most) continue;
    await reader?.cancel();
    return { bytes: joined(parts, size).slice(0, most), cut: true };
  }
}

function joined(parts: Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
