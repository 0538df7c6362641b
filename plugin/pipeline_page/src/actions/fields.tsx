/** A field, as Airflow's API describes params: those of a DAG and of a required action. */
export interface Field {
  value: unknown;
  description: string | null;
  schema: { type?: string | string[]; enum?: unknown[]; title?: string; section?: string; items?: { type?: string } };
}

const VARIABLES = "variables";

export function Input({ name, field }: { name: string; field: Field }) {
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
              {choice === null ? "(not given)" : String(choice)}
            </option>
          ))}
        </select>
      ) : typeof value === "boolean" ? (
        <input id={id} name={name} type="checkbox" defaultChecked={value} />
      ) : many ? (
        <textarea id={id} name={name} rows={3} placeholder={"NAME=value\nOTHER=value"} spellCheck={false} />
      ) : isLines(field) ? (
        <textarea id={id} name={name} rows={2} defaultValue={(value as string[] | null)?.join("\n")} spellCheck={false} />
      ) : (
        <input id={id} name={name} defaultValue={typeof value === "string" ? value : value === null ? "" : JSON.stringify(value)} />
      )}
      {(field.description || many) && <small>{many ? "One NAME=value a line. They win over all other variables." : field.description}</small>}
    </div>
  );
}

function isLines({ schema }: Field): boolean {
  return schema.items?.type === "string";
}

/** Reads the form, with the type that each field had. */
export function values(question: { params: Record<string, Field> }, form: FormData): Record<string, unknown> {
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

function typed(name: string, text: string, field: Field): unknown {
  const { value, schema } = field;
  const types = [schema.type ?? []].flat();
  if (isLines(field)) return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (text.trim() === "" && value === null) return null;
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
