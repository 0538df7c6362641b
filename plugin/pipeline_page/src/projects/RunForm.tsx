import { type FormEvent, useEffect, useState } from "react";
import { useNavigate } from "react-router-dom";

import { AskDialog } from "../actions/AskDialog";
import { create } from "../actions/plan";
import { Input, values, type Field } from "../actions/fields";
import { useAction } from "../actions/useAction";
import { pipelinePath, RequestError, send } from "../data/requests";
import type { ProjectView } from "./types";

const ADVANCED = "Advanced";

type Params = Record<string, Field>;

/** Asks for ref, variables and inputs: the DAG's own form, as Airflow's API describes it. */
export function RunForm({ project, close }: { project: ProjectView; close: () => void }) {
  const [params, setParams] = useState<Params>();
  const [problem, setProblem] = useState("");
  const navigate = useNavigate();
  const action = useAction(() => undefined);
  const dag = `api/v2/dags/${encodeURIComponent(project.dag)}`;

  useEffect(() => {
    send(`${dag}/details`)
      .then(async (response) => setParams(((await response.json()) as { params: Params | null }).params ?? {}))
      .catch((error: unknown) => setProblem(error instanceof RequestError ? error.message : "Airflow does not answer."));
  }, []);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    if (!params) return;
    setProblem("");
    let conf: Record<string, unknown>;
    try {
      conf = asked(params, new FormData(event.currentTarget));
    } catch (error) {
      return setProblem(String((error as Error).message));
    }
    const made = (await action.take(() => create(project.dag, conf))) as
      | { dag_run_id: string }
      | undefined;
    if (made) navigate(pipelinePath({ dag: project.dag, run: made.dag_run_id }));
  }

  const fields = Object.entries(params ?? {});
  const advanced = fields.filter(([, field]) => field.schema.section === ADVANCED);
  return (
    <AskDialog
      id="glp-run"
      title={`Run pipeline of ${project.path}`}
      problem={problem || action.problem}
      submit={(event) => void submit(event)}
      close={close}
      buttons={
        <button className="glp-button glp-main" disabled={!params || action.busy}>
          Run pipeline
        </button>
      }
    >
      {project.paused && <p className="glp-notice glp-warning">This DAG is paused: the pipeline starts when somebody unpauses it.</p>}
      {!params && !problem && <p role="status">Loading the form</p>}
      {fields.filter((field) => !advanced.includes(field)).map(([name, field]) => (
        <Input key={name} name={name} field={field} />
      ))}
      {advanced.length > 0 && (
        <details>
          <summary>Advanced</summary>
          {advanced.map(([name, field]) => (
            <Input key={name} name={name} field={field} />
          ))}
        </details>
      )}
    </AskDialog>
  );
}

/** What differs from the form's own values: the rest stays the file's. */
export function asked(params: Params, form: FormData): Record<string, unknown> {
  const given = values({ params }, form);
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(params[name]?.value)));
}
