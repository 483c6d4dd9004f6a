"""Attacks on proof of work by training, each with what it costs an attacker beside what honest work costs."""
