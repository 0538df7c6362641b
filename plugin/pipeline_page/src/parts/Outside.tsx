import type { ReactNode } from "react";

/** A link to another site. Its address comes from a pipeline: only web pages, and they learn nothing of ours. */
export function Outside({ href, children, title }: { href: string; children: ReactNode; title?: string }) {
  if (!/^https?:\/\//i.test(href)) return <span title={title}>{children}</span>;
  return (
    <a className="glp-link" href={href} title={title} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}
