import "./Usage.css";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ChartNoAxesColumn } from "lucide-react";
import { useState } from "react";
import { answer, api } from "../api/client";
import { EmptyState } from "../ui/EmptyState";
import { SelectField } from "../ui/Field";
import { Loading } from "../ui/Loading";
import { Problem } from "../ui/Problem";
import { Section } from "./Section";
import { UsageChart } from "./UsageChart";
import { UsageTable } from "./UsageTable";
import { daysUntil, totals, type Measure } from "./usage";

const RANGES = [7, 30, 90, 365];

/** What models were asked for: how much, by day and model. */
export default function Usage() {
  const [range, setRange] = useState(30);
  const [measure, setMeasure] = useState<Measure>("tokens");
  const days = daysUntil(new Date(), range);
  const from = days[0];
  const to = days.at(-1);
  const usage = useQuery({
    queryKey: ["usage", from, to],
    queryFn: () => answer(api.GET("/api/usage/", { params: { query: { ...(from && { from }), ...(to && { to }) } } })),
    select: ({ results }) => results,
    placeholderData: keepPreviousData,
  });
  const models = usage.data ? totals(usage.data) : [];
  return (
    <Section title="Usage" about="Calls of models for you, those for titles included, by days of UTC.">
      <div className="usage-choices">
        <SelectField label="How far back" value={range} onChange={({ target }) => setRange(Number(target.value))}>
          {RANGES.map((days) => (
            <option key={days} value={days}>
              {days === 365 ? "A year" : `${days} days`}
            </option>
          ))}
        </SelectField>
        <SelectField
          label="What is counted"
          value={measure}
          onChange={({ target }) => setMeasure(target.value === "calls" ? "calls" : "tokens")}
        >
          <option value="tokens">Tokens</option>
          <option value="calls">Calls</option>
        </SelectField>
      </div>
      {usage.isPending && <Loading />}
      {usage.error && !usage.data && <Problem error={usage.error} onRetry={() => void usage.refetch()} />}
      {usage.data?.length === 0 && (
        <EmptyState icon={<ChartNoAxesColumn />} title="Nothing in these days">
          Every answer of a character is counted here.
        </EmptyState>
      )}
      {usage.data && usage.data.length > 0 && (
        <>
          <UsageChart rows={usage.data} days={days} models={models} measure={measure} />
          <UsageTable rows={usage.data} models={models} />
        </>
      )}
    </Section>
  );
}
