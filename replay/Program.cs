using Settlement.Replay;
using Settlement.Replay.Common;

using var signals = new ExitSignals();
return ReplayCommand.Run(args, Console.Out, Console.Error);
