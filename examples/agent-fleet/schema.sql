-- The tables that the rule set `agent-fleet` reads, as small as they can be. Runs on SQLite and PostgreSQL alike; times are RFC 3339 text.
CREATE TABLE agent_ownership (
  agent_name TEXT PRIMARY KEY,
  is_system INTEGER NOT NULL DEFAULT 0,
  max_parallel_tasks INTEGER,
  execution_timeout_seconds INTEGER,
  pull_mode INTEGER NOT NULL DEFAULT 0,
  deleted_at TEXT
);
CREATE TABLE schedule_executions (
  id TEXT PRIMARY KEY,
  agent_name TEXT NOT NULL,
  schedule_id TEXT,
  status TEXT NOT NULL,
  queued_at TEXT,
  started_at TEXT,
  completed_at TEXT,
  duration_ms INTEGER,
  claude_session_id TEXT,
  lease_expires_at TEXT,
  backlog_metadata TEXT
);
CREATE INDEX executions_by_status ON schedule_executions (status, agent_name);
CREATE TABLE agent_schedules (id TEXT PRIMARY KEY, agent_name TEXT NOT NULL, enabled INTEGER NOT NULL, next_run_at TEXT, deleted_at TEXT);
CREATE TABLE agent_sharing (id TEXT PRIMARY KEY, agent_name TEXT NOT NULL);
CREATE TABLE agent_skills (id TEXT PRIMARY KEY, agent_name TEXT NOT NULL);
CREATE TABLE agent_tags (id TEXT PRIMARY KEY, agent_name TEXT NOT NULL);
CREATE TABLE agent_shared_files (id TEXT PRIMARY KEY, agent_name TEXT NOT NULL);
CREATE TABLE agent_public_links (id TEXT PRIMARY KEY, agent_name TEXT NOT NULL);
CREATE TABLE agent_reports (id TEXT PRIMARY KEY, agent_name TEXT NOT NULL);
CREATE TABLE mcp_api_keys (id TEXT PRIMARY KEY, agent_name TEXT, scope TEXT NOT NULL);
CREATE TABLE chat_sessions (id TEXT PRIMARY KEY, agent_name TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE operator_queue (id TEXT PRIMARY KEY, agent_name TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE access_requests (id TEXT PRIMARY KEY, agent_name TEXT NOT NULL, status TEXT NOT NULL);
-- What the platform's own accessor answers: a second way to the same number.
CREATE VIEW queued_counts AS
  SELECT agent_name, COUNT(*) AS queued FROM schedule_executions WHERE status = 'queued' GROUP BY agent_name;
