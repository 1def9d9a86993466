import { amount, named, type Measure, type Total, type UsageRow } from "./usage";

const HEIGHT = 160;
/** So many models have a colour of their own; the others share the last one. */
const COLOURS = 5;

type UsageChartProps = { rows: UsageRow[]; days: string[]; models: Total[]; measure: Measure };

/** A bar a day, made of what each model did. The table under it tells the same in figures. */
export function UsageChart({ rows, days, models, measure }: UsageChartProps) {
  const colours = new Map(models.map(({ model }, index) => [model, Math.min(index, COLOURS - 1)]));
  const byDay = new Map(days.map((day) => [day, [] as { colour: number; size: number }[]]));
  for (const row of rows)
    byDay.get(row.day)?.push({ colour: colours.get(row.model) ?? COLOURS - 1, size: amount(row, measure) });
  const sums = [...byDay.values()].map((bars) => bars.reduce((sum, { size }) => sum + size, 0));
  const most = Math.max(1, ...sums);
  const busiest = days[sums.indexOf(most)];
  const all = sums.reduce((sum, each) => sum + each, 0);
  const wide = 1000 / days.length;
  const label = `${all.toLocaleString("en")} ${measure} in ${days.length} days${
    busiest ? `, most on ${named(busiest)}: ${most.toLocaleString("en")}` : ""
  }`;
  return (
    <figure className="usage-chart">
      <figcaption className="usage-most">{label}</figcaption>
      <svg viewBox={`0 0 1000 ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {[...byDay].map(([day, bars], index) => (
          <g key={day}>
            <title>{`${named(day)}: ${(sums[index] ?? 0).toLocaleString("en")} ${measure}`}</title>
            <rect className="usage-day" x={index * wide} y={0} width={wide} height={HEIGHT} />
            {stacked(bars).map(({ colour, from, to }, place) => (
              <rect
                key={place}
                className={`usage-${colour}`}
                x={(index + 0.12) * wide}
                width={wide * 0.76}
                y={HEIGHT - (to * HEIGHT) / most}
                height={((to - from) * HEIGHT) / most}
              />
            ))}
          </g>
        ))}
      </svg>
      <p className="usage-ends" aria-hidden="true">
        <span>{named(days[0] ?? "")}</span>
        <span>{named(days.at(-1) ?? "")}</span>
      </p>
      <ul role="list" className="usage-legend">
        {models.slice(0, COLOURS).map(({ model }, index) => (
          <li key={model}>
            <i className={`usage-${index}`} aria-hidden="true" />
            <span>{index === COLOURS - 1 && models.length > COLOURS ? "others" : model}</span>
          </li>
        ))}
      </ul>
    </figure>
  );
}

/** One upon the other, in the order of the legend. */
function stacked(bars: { colour: number; size: number }[]) {
  let end = 0;
  return [...bars]
    .sort((one, other) => one.colour - other.colour)
    .map(({ colour, size }) => {
      const from = end;
      end += size;
      return { colour, from, to: end };
    });
}
