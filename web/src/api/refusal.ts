export type Wrong = { code: string; detail: string; attr: string | null };

/** An answer of the server that is not a success: what it says is for people, `code` is for us. */
export class Refusal extends Error {
  readonly code: string;
  readonly attr: string | null;

  constructor(
    readonly status: number,
    readonly errors: Wrong[],
    /** Seconds after which to try again, where the server says so. */
    readonly retryAfter: number | null,
  ) {
    const first = errors[0];
    super(first?.detail ?? `The server answered ${status}.`);
    this.name = "Refusal";
    this.code = first?.code ?? "error";
    this.attr = first?.attr ?? null;
  }

  /** What is wrong with each field, by its name. */
  get fields(): Record<string, string> {
    return Object.fromEntries(this.errors.flatMap(({ attr, detail }) => (attr ? [[attr, detail]] : [])));
  }
}

/** No answer at all: the line, or the server, is down. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("The server cannot be reached.", { cause });
    this.name = "Unreachable";
  }
}

export async function refusalOf(response: Response): Promise<Refusal> {
  const said: unknown = await response.json().catch(() => null);
  const after = Number(response.headers.get("Retry-After") ?? NaN);
  return new Refusal(response.status, wrongsIn(said), Number.isFinite(after) ? after : null);
}

function wrongsIn(said: unknown): Wrong[] {
  if (typeof said !== "object" || said === null || !("errors" in said) || !Array.isArray(said.errors)) return [];
  return said.errors as Wrong[];
}

export function isRefusal(error: unknown, code?: string): error is Refusal {
  return error instanceof Refusal && (code === undefined || error.code === code);
}

/** What to tell a person of anything that was thrown. */
export function told(error: unknown): string {
  return error instanceof Error ? error.message : "Something went wrong.";
}
