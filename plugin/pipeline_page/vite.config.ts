import { defineConfig } from "vitest/config";

// Airflow's UI has these as global variables, so that every plugin uses the same React.
const globals = {
  react: "React",
  "react/jsx-runtime": "ReactJSXRuntime",
  "react-dom": "ReactDOM",
  "react-router-dom": "ReactRouterDOM",
};

export default defineConfig(({ command, mode }) => ({
  define: command === "build" && mode !== "test" ? { "process.env.NODE_ENV": JSON.stringify("production") } : {},
  build: {
    lib: { entry: "src/main.tsx", formats: ["iife"], name: "GitlabCiPage", fileName: () => "page.js" },
    outDir: "../gitlab_ci_provider/plugins/page/static",
    emptyOutDir: true,
    rollupOptions: { external: Object.keys(globals), output: { globals } },
  },
  test: { environment: "jsdom", include: ["tests/**/*.test.{ts,tsx}"] },
}));
