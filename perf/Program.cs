using Settlement.Perf.Load;

return args is ["ring", ..] ? RingLoad.Run(args.Contains("--json"), Console.Out) : 2;
