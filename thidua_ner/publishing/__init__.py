"""Published results: the leaderboard, the README's table and model cards."""
