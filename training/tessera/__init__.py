"""Training of Tessera model packs: model, losses, competition, export. See training/PLAN.md."""
