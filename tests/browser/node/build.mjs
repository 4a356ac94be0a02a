// Builds the apps of test_apps.py, as their developers would: node build.mjs FOLDER.
import { join } from "node:path";
import vue from "@vitejs/plugin-vue";
import { build } from "vite";
import webpack from "webpack";

const [, , root] = process.argv;
const output = join(root, "dist");

await build({
  root,
  base: "./",
  configFile: false,
  esbuild: { jsx: "automatic" },
  logLevel: "error",
  plugins: [vue()],
  build: {
    chunkSizeWarningLimit: 5000,
    minify: false, // it takes its time, and is no part of what is tried
    outDir: output,
    rollupOptions: { input: ["plain", "react", "vue"].map((name) => join(root, `${name}.html`)) },
  },
});

const stats = await new Promise((resolve, reject) =>
  webpack(
    {
      context: root,
      entry: { webpack: "./plain.js" },
      mode: "production",
      optimization: { minimize: false },
      output: { path: output },
      performance: { hints: false },
    },
    (error, result) => (error ? reject(error) : resolve(result)),
  ),
);
if (stats.hasErrors()) throw new Error(stats.toString("errors-only"));
