import type { ReactNode } from "react";
import { Link } from "react-router-dom";

/** The pipeline that reports are compared with. */
export interface Earlier {
  id: number;
  path: string;
}

/** Ends a sentence about reports: what has changed since which pipeline. */
export function Since({ earlier, tab, children }: { earlier: Earlier | null; tab: string; children: ReactNode }) {
  if (!earlier) return <>. There is no earlier pipeline of this ref to compare with.</>;
  return (
    <>
      {": "}
      {children} since{" "}
      <Link className="glp-link" to={`/${earlier.path}?tab=${tab}`}>
        pipeline #{earlier.id}
      </Link>
      .
    </>
  );
}
