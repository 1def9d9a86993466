// Better Auth as people run it: e-mail and password, its `jwt` plugin, PostgreSQL by `pg`.
//
// The environment says all: BETTER_AUTH_URL, BETTER_AUTH_SECRET, DATABASE_URL. `rotate` as the first argument makes a
// new key for tokens and ends; otherwise it migrates, listens at BETTER_AUTH_URL's port and says so.

import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { createJwk, jwt } from "better-auth/plugins";
import pg from "pg";

const url = process.env.BETTER_AUTH_URL;
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

const auth = betterAuth({
  baseURL: url,
  secret: process.env.BETTER_AUTH_SECRET,
  database: pool,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [jwt()],
});

if (process.argv[2] === "rotate") {
  await createJwk({ context: await auth.$context });
  await pool.end();
} else {
  const { runMigrations } = await getMigrations(auth.options);
  await runMigrations();
  createServer(toNodeHandler(auth)).listen(new URL(url).port, "127.0.0.1", () => console.log("listening"));
}
