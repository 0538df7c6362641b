import type { ReactNode } from "react";

import type { Read } from "../data/read";

interface ReadingProps<Value> {
  read: Read<Value>;
  empty: string;
  what: string;
  children: (value: Value) => ReactNode;
}

/** What was read, or why there is nothing to see. */
export function Reading<Value>({ read, empty, what, children }: ReadingProps<Value>) {
  if (read.problem) {
    return (
      <p role="alert" className="glp-notice glp-failed">
        {read.problem}
      </p>
    );
  }
  if (read.value === undefined) {
    return (
      <p role="status" className="glp-nothing">
        Reading {what} …
      </p>
    );
  }
  if (Array.isArray(read.value) && !read.value.length) return <p className="glp-nothing">{empty}</p>;
  return <>{children(read.value)}</>;
}

interface TableProps {
  label: string;
  heads: string[];
  /** Columns of numbers. */
  right?: number[];
  children: ReactNode;
}

/** A table that scrolls sideways where the screen is narrow, with the keyboard, too. */
export function Table({ label, heads, right = [], children }: TableProps) {
  return (
    <div className="glp-tablebox" role="region" aria-label={label} tabIndex={0}>
      <table className="glp-table">
        <thead>
          <tr>
            {heads.map((head, index) =>
              head ? (
                <th key={head} scope="col" className={right.includes(index) ? "glp-right" : undefined}>
                  {head}
                </th>
              ) : (
                <td key={index} />
              ),
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
