import { named, type Total, type UsageRow } from "./usage";

const figure = (number: number | null) => (number === null ? "–" : number.toLocaleString("en"));
const seconds = (ms: number | null) => (ms === null ? "–" : `${(ms / 1000).toFixed(1)} s`);

/** The same as the chart, in figures: what each model did in all, and day by day. */
export function UsageTable({ rows, models }: { rows: UsageRow[]; models: Total[] }) {
  return (
    <>
      <h3 id="usage-all">In all</h3>
      <Wide label="In all">
        <table className="usage-table" aria-labelledby="usage-all">
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Calls</th>
              <th scope="col">Tokens read</th>
              <th scope="col">Tokens written</th>
            </tr>
          </thead>
          <tbody>
            {models.map(({ model, calls, prompt, completion }) => (
              <tr key={model}>
                <th scope="row">{model}</th>
                <td>{figure(calls)}</td>
                <td>{figure(prompt)}</td>
                <td>{figure(completion)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <h3 id="usage-days">Day by day</h3>
      <Wide label="Day by day">
        <table className="usage-table" aria-labelledby="usage-days">
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col">Model</th>
              <th scope="col">Calls</th>
              <th scope="col">Failed</th>
              <th scope="col">Read</th>
              <th scope="col">Written</th>
              <th scope="col">Time (median)</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ day, provider, model, ...row }) => (
              <tr key={`${day} ${provider} ${model}`}>
                <th scope="row">{named(day)}</th>
                <td className="usage-name">{model}</td>
                <td>{figure(row.calls)}</td>
                <td>{figure(row.failed + row.interrupted)}</td>
                <td>{figure(row.prompt_tokens)}</td>
                <td>{figure(row.completion_tokens)}</td>
                <td>{seconds(row.latency_ms.median)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}

/** Wider than a phone: it is moved under the finger, or by the arrow keys. */
function Wide({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="usage-wide" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
