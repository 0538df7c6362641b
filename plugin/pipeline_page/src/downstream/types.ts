// What the server sends: the fields of `plugins/page/related.py`.

import type { BriefView } from "../projects/types";

export interface RelatedView {
  task: string;
  dag: string;
  run: string;
  pipeline: BriefView | null;
}

export interface RelatedViews {
  upstream: RelatedView | null;
  downstream: RelatedView[];
}
