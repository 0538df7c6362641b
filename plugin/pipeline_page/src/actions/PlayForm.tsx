import { type FormEvent, useEffect, useRef, useState } from "react";

import { RequestError, send } from "../data/requests";
import type { JobView, PipelineView } from "../data/types";
import { answer, questionPath } from "./plan";
import type { Action } from "./useAction";

interface Field {
  value: unknown;
  description: string | null;
  schema: { type?: string | string[]; enum?: unknown[]; title?: string };
}

interface Question {
  body: string | null;
  options: string[];
  params: Record<string, Field>;
}

const VARIABLES = "variables";

interface PlayFormProps {
  view: PipelineView;
  job: JobView;
  action: Action;
  close: () => void;
}

/** Asks what a manual job asks for: confirmation, inputs, variables. */
export function PlayForm({ view, job, action, close }: PlayFormProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [question, setQuestion] = useState<Question>();
  const [problem, setProblem] = useState("");

  useEffect(() => {
    dialog.current?.showModal();
    send(questionPath(view, job))
      .then(async (response) => setQuestion((await response.json()) as Question))
      .catch((error: unknown) => setProblem(error instanceof RequestError ? error.message : "Airflow does not answer."));
  }, []);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (!question) return;
    const button = (event.nativeEvent as SubmitEvent).submitter as HTMLButtonElement | null;
    const option = button?.value || (question.options[0] ?? "Play");
    let given: Record<string, unknown>;
    try {
      given = option === question.options[0] ? values(question, new FormData(event.currentTarget)) : {};
    } catch (error) {
      return setProblem(String((error as Error).message));
    }
    if ((await action.take(answer(view, job, option, given))) !== undefined) close();
  }

  return (
    <dialog ref={dialog} className="glp-dialog" aria-labelledby="glp-play" onClose={close}>
      <form onSubmit={(event) => void submit(event)}>
        <h3 id="glp-play">Play {job.name}</h3>
        {question?.body && <p className="glp-words">{question.body}</p>}
        {Object.entries(question?.params ?? {}).map(([name, field]) => (
          <Input key={name} name={name} field={field} />
        ))}
        {(problem || action.problem) && (
          <p role="alert" className="glp-problem">
            {problem || action.problem}
          </p>
        )}
        <p className="glp-muted">Airflow keeps what you enter, and shows it to everyone who may see this run: no secrets.</p>
        <div className="glp-actions">
          {(question?.options ?? []).map((option, index) => (
            <button key={option} className={`glp-button${index ? "" : " glp-main"}`} value={option} disabled={action.busy}>
              {option}
            </button>
          ))}
          <button type="button" className="glp-button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </form>
    </dialog>
  );
}

function Input({ name, field }: { name: string; field: Field }) {
  const { schema, value } = field;
  const id = `glp-input-${name}`;
  const many = name === VARIABLES;
  return (
    <div className="glp-field">
      <label htmlFor={id}>{schema.title ?? (many ? "Variables" : name)}</label>
      {schema.enum ? (
        <select id={id} name={name} defaultValue={JSON.stringify(value)}>
          {schema.enum.map((choice) => (
            <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
              {String(choice)}
            </option>
          ))}
        </select>
      ) : typeof value === "boolean" ? (
        <input id={id} name={name} type="checkbox" defaultChecked={value} />
      ) : many ? (
        <textarea id={id} name={name} rows={3} placeholder={"NAME=value\nOTHER=value"} spellCheck={false} />
      ) : (
        <input id={id} name={name} defaultValue={typeof value === "string" ? value : JSON.stringify(value ?? "")} />
      )}
      {(field.description || many) && <small>{many ? "One NAME=value a line. They win over all other variables." : field.description}</small>}
    </div>
  );
}

/** Reads the form, with the type that each field had. */
export function values(question: Question, form: FormData): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(question.params).map(([name, field]) => {
      const text = form.get(name);
      if (name === VARIABLES) return [name, variables(String(text ?? ""))];
      if (typeof field.value === "boolean") return [name, text !== null];
      if (field.schema.enum) return [name, JSON.parse(String(text))];
      return [name, typed(name, String(text ?? ""), field)];
    }),
  );
}

function typed(name: string, text: string, { value, schema }: Field): unknown {
  const types = [schema.type ?? []].flat();
  if (typeof value === "string" || (types.includes("string") && value === null)) return text;
  if (types.includes("number") || typeof value === "number") {
    const number = Number(text);
    if (text.trim() === "" || Number.isNaN(number)) throw new Error(`${name} must be a number.`);
    return number;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${name} must be JSON.`);
  }
}

export function variables(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.trim());
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf("=");
      if (at < 1) throw new Error(`Variables: '${line.slice(0, 40)}' is not NAME=value.`);
      return [line.slice(0, at).trim(), line.slice(at + 1)];
    }),
  );
}
