import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The server sends what lies beside a file as .br or .gz, so that it never compresses anything itself.
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle).filter((name) => /\.(js|css|svg)$/.test(name))) {
        const path = join(dir ?? "dist", name);
        const bytes = readFileSync(path);
        const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: quality }));
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }));
      }
    },
  };
}

const A_WEEK_MS = 7 * 24 * 60 * 60 * 1000;

// Pages that are open, and a server that was not started anew yet, go on with files of builds before: each stays for a
// week after another build has left it out.
function agedOut(): Plugin {
  let out = "";
  return {
    name: "aged-out",
    apply: "build",
    configResolved({ root, build }) {
      out = resolve(root, build.outDir);
      // It tells that the build before this one was whole.
      rmSync(join(out, ".built"), { force: true });
    },
    writeBundle(_, bundle) {
      const [assets, notes] = [join(out, "assets"), join(out, ".made")];
      const made = new Set(Object.keys(bundle).map((name) => basename(name)));
      const before = new Set(existsSync(notes) ? readFileSync(notes, "utf8").split("\n") : []);
      for (const name of readdirSync(assets)) {
        const [path, source] = [join(assets, name), name.replace(/\.(br|gz)$/, "")];
        if (made.has(source)) continue;
        if (before.has(source)) utimesSync(path, new Date(), new Date());
        else if (Date.now() - statSync(path).mtimeMs > A_WEEK_MS) rmSync(path);
      }
      writeFileSync(notes, [...made].join("\n"));
    },
  };
}

const withoutZod = new URL("without-zod.ts", import.meta.url).pathname;

const server = process.env["DRAMATIS_SERVER"] ?? "http://127.0.0.1:8000";

export default defineConfig(({ command }) => ({
  // While developing, pages have the addresses that they will have; built, only files lie under /static/.
  base: command === "build" ? "/static/web/" : "/",
  plugins: [react(), compressed(), agedOut()],
  resolve: {
    // The AI SDK brings zod twice, two thirds of its weight, for checks that its own transport does; ours does without.
    alias: { "zod/v3": withoutZod, "zod/v4": withoutZod },
  },
  build: {
    emptyOutDir: false,
    // What light-dark() and nesting in style sheets need.
    target: ["chrome123", "firefox121", "safari17.5"],
    // The page's policy allows no inline pictures of ours to be missed: everything small stays a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(["/api", "/v1", "/admin", "/static"].map((path) => [path, server])),
  },
}));
