"""The settings of an organization: people, jobs and plans, API keys, webhooks and the organization itself."""
